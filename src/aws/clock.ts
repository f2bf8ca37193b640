// By how much this computer's clock is off, in words.
import { formatDuration } from "../duration.ts";

/** @param seconds how far it is ahead; negative where it is behind */
export const describeClock = (seconds: number): string =>
  `this computer's clock is ${formatDuration(Math.abs(seconds))} ${seconds > 0 ? "ahead of" : "behind"} AWS's`;

export const setClock = "set the clock (on Linux: sudo timedatectl set-ntp true)";
