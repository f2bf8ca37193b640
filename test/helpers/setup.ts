import fc from "fast-check";

// Properties are tried on the same inputs every time; another seed is a matter of FC_SEED=1234 npm test.
fc.configureGlobal({ seed: Number(process.env.FC_SEED ?? 20_260_131) });
