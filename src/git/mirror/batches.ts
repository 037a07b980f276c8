interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

/**
 * Collects the questions that are asked in one turn of the event loop, and has them answered together, so that
 * their number does not become a number of processes.
 * @param answer answers all questions about one subject, in their order
 */
export function inBatches<Subject, Question, Answer>(
  answer: (subject: Subject, questions: Question[]) => Promise<Answer[]>,
): (subject: Subject, question: Question) => Promise<Answer> {
  const waiting = new Map<Subject, Waiting<Question, Answer>[]>();
  const flush = async (subject: Subject) => {
    const all = waiting.get(subject) ?? [];
    waiting.delete(subject);
    try {
      const answers = await answer(
        subject,
        all.map(({ question }) => question),
      );
      for (const [n, { resolve }] of all.entries()) resolve(answers[n]!);
    } catch (error) {
      for (const { reject } of all) reject(error);
    }
  };
  return (subject, question) =>
    new Promise((resolve, reject) => {
      const all = waiting.get(subject) ?? [];
      all.push({ question, resolve, reject });
      if (all.length > 1) return;
      waiting.set(subject, all);
      setImmediate(() => void flush(subject));
    });
}
