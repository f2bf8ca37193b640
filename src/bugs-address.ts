// Where users report what should never happen: in one place, package.json, from which the build takes it.
import { bugs } from "../package.json";

export const bugsAddress: string = bugs.url;
