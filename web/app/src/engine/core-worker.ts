/* The core's worker, which starts one of its own: that, too, only out of this app's files. */
import "../../../core/src/core-worker";
import { onlyOwnScripts } from "../trusted";

onlyOwnScripts();
