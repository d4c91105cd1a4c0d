/** The user asked for something that cannot be: exit code 2 and one line. Anything else that fails exits with 1. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
