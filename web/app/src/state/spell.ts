/* A security code as one says it: the NATO alphabet for letters, digits by their names. The code is
 * of RFC 4648 base32, so letters and the digits 2 to 7. */
const WORDS: Readonly<Record<string, string>> = {
  A: "Alfa",
  B: "Bravo",
  C: "Charlie",
  D: "Delta",
  E: "Echo",
  F: "Foxtrot",
  G: "Golf",
  H: "Hotel",
  I: "India",
  J: "Juliett",
  K: "Kilo",
  L: "Lima",
  M: "Mike",
  N: "November",
  O: "Oscar",
  P: "Papa",
  Q: "Quebec",
  R: "Romeo",
  S: "Sierra",
  T: "Tango",
  U: "Uniform",
  V: "Victor",
  W: "Whiskey",
  X: "X-ray",
  Y: "Yankee",
  Z: "Zulu",
  "2": "two",
  "3": "three",
  "4": "four",
  "5": "five",
  "6": "six",
  "7": "seven",
};

/** One list of words for each group of the code. */
export const spell = (code: string): string[][] =>
  code
    .split(" ")
    .filter((group) => group !== "")
    .map((group) => [...group].map((symbol) => WORDS[symbol] ?? symbol));
