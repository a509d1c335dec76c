import "../../../core/src/frames-worker";
