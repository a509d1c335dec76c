/* The core's worker, which may start one of its own: that, too, only if it was checked. */
import "../../../core/src/core-worker";
import { onlyCheckedScripts } from "../trusted";

onlyCheckedScripts();
