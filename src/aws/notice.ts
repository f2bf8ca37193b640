// The notice with which the SDK greets users of older versions of Node.js.
/**
 * Makes an SDK client without the notice that the SDK prints on Node.js 20 for its own users: fob's users cannot act on
 * it. Nothing of this reaches child processes.
 */
export function withoutNotice<T>(make: () => T): T {
  const variable = "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED";
  const before = process.env[variable];
  process.env[variable] = "true";
  try {
    return make();
  } finally {
    if (before === undefined) Reflect.deleteProperty(process.env, variable);
    else process.env[variable] = before;
  }
}
