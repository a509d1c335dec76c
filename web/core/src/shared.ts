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
