/** Takes what the environment lacks from `.env` in the working directory, as Probot does. */
export function loadEnvFile(): void {
  try {
    process.loadEnvFile();
  } catch {
    // no .env: the environment is all there is
  }
}
