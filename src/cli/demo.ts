import type { Command } from "commander";
import type { ExitCode } from "../errors.ts";
export function declareDemo(_program: Command, _exit: (code: ExitCode) => void): void {}
