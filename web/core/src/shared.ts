/* The head of the shared memory, in words: what is going on, the operation, the algorithm, how many
 * inputs, the result, the size of the outcome, and the inputs' sizes; bytes follow. */
export const SHARED = {
  STATE: 0,
  OPERATION: 1,
  WHICH: 2,
  COUNT: 3,
  RESULT: 4,
  SIZE: 5,
  SIZES: 6,
  WORDS: 16,
  IDLE: 0,
  ASKED: 1,
  ANSWERED: 2,
} as const;

/** How long the engine waits for the other thread: so many times so many milliseconds, of which a
 * machine that slept meanwhile loses one. WebCrypto's slowest operation takes a few. */
export interface Patience {
  readonly times: number;
  readonly ms: number;
}
export const PATIENCE: Patience = { times: 10, ms: 1000 };

/** What is said once that was in vain. */
export const SILENT = "The worker that encrypts does not answer.";
