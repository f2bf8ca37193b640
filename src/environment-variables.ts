/** Environment variables by name, as a process was given them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A copy that finds variables as the system does: Windows makes no difference between PATH and Path, which is how it spells
 * it. The names stay as they are for the programs that are started with it.
 */
export function copyEnvironment(env: Environment, platform: NodeJS.Platform): Environment {
  if (platform !== "win32") return { ...env };
  return new Proxy<Record<string, string | undefined>>(
    { ...env },
    {
      get(copy, name) {
        if (typeof name === "symbol" || Object.hasOwn(copy, name)) return Reflect.get(copy, name) as string | undefined;
        const own = Object.keys(copy).find((other) => other.toUpperCase() === name.toUpperCase());
        return own === undefined ? undefined : copy[own];
      },
    },
  );
}
