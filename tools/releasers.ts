type Release = () => unknown;

/** Releases what was started and must end, whatever happens: the last first. */
export class Releasers {
  readonly #stack: Release[] = [];
  #released = false;
  #exiting: Promise<never> | undefined;

  /** True as soon as the process is about to end; what fails from then on fails because of that. */
  get exiting(): boolean {
    return this.#exiting !== undefined;
  }

  /** What is added after the release is released at once. */
  add(release: Release): void {
    this.#stack.push(release);
    if (this.#released) void this.release();
  }

  async release(): Promise<void> {
    this.#released = true;
    for (let next = this.#stack.pop(); next; next = this.#stack.pop())
      await Promise.resolve()
        .then(next)
        .catch(() => {});
  }

  exit(code: number): Promise<never> {
    this.#exiting ??= this.release().then(() => process.exit(code));
    return this.#exiting;
  }

  /** Has Ctrl-C leave nothing behind either. */
  exitOnSignals(report: (signal: string) => void): void {
    const signals = { SIGINT: 130, SIGTERM: 143 } as const;
    for (const [signal, code] of Object.entries(signals))
      process.once(signal, () => {
        report(signal);
        void this.exit(code);
      });
  }
}
