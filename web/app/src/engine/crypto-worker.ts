import "../../../core/src/crypto-worker";
