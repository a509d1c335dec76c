/* From what was thrown to what a person reads: a sentence and its cure. */
import { ConclaveError } from "../../../core/src/types";
import { t } from "../text";
import type { Problem } from "./model";

export function problemOf(error: unknown): Problem {
  if (error instanceof ConclaveError && error.code === "ESTORE")
    return { text: t.problem.storage, next: t.problem.storageNext };
  if (error instanceof ConclaveError)
    return error.reason !== null
      ? { text: error.reason.text, next: error.reason.next }
      : { text: error.message, next: t.problem.unknownNext };
  if (error instanceof TypeError && /fetch|network/i.test(error.message))
    return { text: t.problem.offline, next: t.problem.offlineNext };
  return { text: t.problem.unknown, next: t.problem.unknownNext };
}
