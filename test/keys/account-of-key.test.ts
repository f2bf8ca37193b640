import { expect, test } from "vitest";
import { guessAccount } from "../../src/keys/account-of-key.ts";
import { startSandbox } from "../../src/sandbox/server.ts";

test.each([
  // https://medium.com/@TalBeerySec/a-short-note-on-aws-key-id-f88cc4317489
  ["ASIAY34FZKBOKMUTVV7A", "609629065308"],
  // LocalStack, which makes keys of this form: localstack/aws/accounts.py in https://github.com/localstack/localstack
  ["AKIARZPUZDIKGB2VALC4", "123456789012"],
])("%s is of the account %s", (keyId, account) => {
  expect(guessAccount(keyId)).toBe(account);
});

test.each([
  ["an old one", "AKIAIOSFODNN7EXAMPLE"],
  ["an old temporary one", "ASIAJEXAMPLEXEG2JICE"],
  ["one of other letters", "ASIAY34FZKBOKMUTVV71"],
  ["one in small letters", "asiay34fzkbokmutvv7a"],
  ["a longer one", "ASIAY34FZKBOKMUTVV7AA"],
  ["one of a user, not of a key", "AIDAY34FZKBOKMUTVV7A"],
  ["one with a number that no account has", "ASIA7777777777777777"],
  ["one with the number 0", "ASIAQAAAAAAAGMKEM7X5"],
  ["none", ""],
])("%s tells no account: %s", (_, keyId) => {
  expect(guessAccount(keyId)).toBeUndefined();
});

test("keys of the local AWS tell its account, as AWS's do", async () => {
  const sandbox = await startSandbox();
  try {
    for (let count = 0; count < 50; count++) {
      const { accessKey } = sandbox.addUser({ name: `user-${count}`, policies: [] });
      expect(guessAccount(accessKey.accessKeyId)).toBe("123456789012");
    }
  } finally {
    await sandbox.close();
  }
});
