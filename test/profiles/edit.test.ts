import { describe, expect, test } from "vitest";
import { BreaksFile, type Change, editSection, removeKeys, Unwritable } from "../../src/profiles/edit.ts";
import { isPortableName } from "../../src/profiles/names.ts";
import { DuplicateSection, type FileKind, parseProperties, scan, UnparsableText } from "../../src/profiles/scan.ts";

interface Case {
  readonly before: string;
  readonly after: string;
  readonly kind?: FileKind;
  readonly profile?: string;
  readonly change?: Change;
}

const session: Change = { aws_access_key_id: "ASIA1", aws_session_token: "t/+==", aws_security_token: undefined };
const lines = "aws_access_key_id = ASIA1\naws_session_token = t/+==\n";
const region: Change = { region: "eu-central-1" };

const cases: Readonly<Record<string, Case>> = {
  "a new file": { before: "", after: `[work-mfa]\n${lines}` },
  "a new section after the others": {
    before: "[work]\naws_access_key_id = AKIA1\n",
    after: `[work]\naws_access_key_id = AKIA1\n\n[work-mfa]\n${lines}`,
  },
  "no final newline": { before: "[work]\na = b", after: `[work]\na = b\n\n[work-mfa]\n${lines}` },
  "the same again changes nothing": {
    before: `[work-mfa]\n${lines.replaceAll(" = ", "=")}`,
    after: `[work-mfa]\n${lines.replaceAll(" = ", "=")}`,
  },
  "in place, with comments, blank lines, foreign keys and neighbours as they are": {
    before:
      "# mine\n[a]\nx=1\n\n[work-mfa]\n# the session\naws_session_token=old==\n\noutput = json ; yes\naws_access_key_id : OLD\n\n# of b\n[b]\n",
    after:
      "# mine\n[a]\nx=1\n\n[work-mfa]\n# the session\naws_session_token = t/+==\n\noutput = json ; yes\naws_access_key_id = ASIA1\n\n# of b\n[b]\n",
  },
  "missing keys before the blank lines and comments that belong to the next section": {
    before: "[work-mfa]\noutput = json\n\n# of b\n[b]\n",
    after: `[work-mfa]\noutput = json\n${lines}\n# of b\n[b]\n`,
  },
  "CRLF stays CRLF": {
    before: "[work-mfa]\r\naws_session_token = old\r\n[b]\r\n",
    after: "[work-mfa]\r\naws_session_token = t/+==\r\naws_access_key_id = ASIA1\r\n[b]\r\n",
  },
  "a byte order mark stays first": { before: "\u00ef\u00bb\u00bf", after: `\u00ef\u00bb\u00bf[work-mfa]\n${lines}` },
  "a stale aws_security_token goes, in whatever case and with its second line": {
    before: "[work-mfa]\nAWS_SECURITY_TOKEN = old\n  more\noutput = json\n",
    after: `[work-mfa]\noutput = json\n${lines}`,
  },
  "a key that stands twice stands once": {
    before: "[work-mfa]\naws_access_key_id = A\naws_access_key_id = B\n",
    after: "[work-mfa]\naws_access_key_id = ASIA1\naws_session_token = t/+==\n",
  },
  "a nested block is not ours, whatever its keys are": {
    kind: "config",
    before: "[profile work-mfa]\ns3 =\n  region = us-east-1\n  addressing_style = path\noutput = json\n",
    change: region,
    after:
      "[profile work-mfa]\ns3 =\n  region = us-east-1\n  addressing_style = path\noutput = json\nregion = eu-central-1\n",
  },
  "a nested block with a comment on its first line": {
    kind: "config",
    before: "[profile work-mfa]\ns3 = # mine\n  region = us-east-1\n",
    change: region,
    after: "[profile work-mfa]\ns3 = # mine\n  region = us-east-1\nregion = eu-central-1\n",
  },
  "a section that is indented as a whole, block and all": {
    kind: "config",
    before: "[profile work-mfa]\n  s3 =\n    addressing_style = path\n  region = old\n  output = json\n",
    change: region,
    after: "[profile work-mfa]\n  s3 =\n    addressing_style = path\noutput = json\nregion = eu-central-1\n",
  },
  "what hangs below one of our keys stands for itself afterwards": {
    before: "[work-mfa]\naws_access_key_id = OLD\n  output = json\n  s3 =\n    a = b\n  x = y\n",
    after: "[work-mfa]\naws_access_key_id = ASIA1\noutput = json\ns3 =\n    a = b\nx = y\naws_session_token = t/+==\n",
  },
  "a header with blanks inside": { before: "[ work-mfa ]\n", after: `[work-mfa]\n${lines}` },
  "a header with a bracket in its comment": {
    before: "[work-mfa] # by [me]\n",
    after: `[work-mfa]\n# by [me]\n${lines}`,
  },
  "a header with its comment right behind it": { before: "[work-mfa]# me\n", after: `[work-mfa]\n# me\n${lines}` },
  "a header with a comment that all read": { before: "[work-mfa] # me\n", after: `[work-mfa] # me\n${lines}` },
  "an indented header, and one after it": {
    before: "[a]\nb = c\n  [work-mfa]\n  [d]\n",
    after: `[a]\nb = c\n[work-mfa]\n${lines}[d]\n`,
  },
  "two blanks in [profile  x]": {
    kind: "config",
    before: "[profile  work-mfa]\n",
    change: region,
    after: "[profile work-mfa]\nregion = eu-central-1\n",
  },
  "quotes in a header stay": {
    kind: "config",
    before: '[profile "work-mfa"]\n',
    change: region,
    after: '[profile "work-mfa"]\nregion = eu-central-1\n',
  },
  "a name with dots, @, / and é, to the byte": {
    kind: "config",
    profile: "team.prod@é/1",
    before: "",
    change: region,
    after: "[profile team.prod@\u00c3\u00a9/1]\nregion = eu-central-1\n",
  },
  "[default] in the config": {
    kind: "config",
    profile: "default",
    before: "",
    change: region,
    after: "[default]\nregion = eu-central-1\n",
  },
  "[profile default] too": {
    kind: "config",
    profile: "default",
    before: "[profile default]\n",
    change: region,
    after: "[profile default]\nregion = eu-central-1\n",
  },
  "[default] in the credentials": { profile: "default", before: "[default]\n", after: `[default]\n${lines}` },
  "nothing to set and nothing to remove": {
    before: "[ work-mfa ]\na = b\n  [c]\n",
    change: { region: undefined },
    after: "[ work-mfa ]\na = b\n  [c]\n",
  },
  "nothing to set and no section": { before: "[a]\n", change: { region: undefined }, after: "[a]\n" },
};

describe("editSection", () => {
  test.each(Object.entries(cases))(
    "%s",
    (_, { before, after, kind = "credentials", profile = "work-mfa", change = session }) => {
      expect(editSection(before, kind, profile, change)).toBe(after);
      expect(editSection(after, kind, profile, change)).toBe(after);
    },
  );

  test("a value that some program would read differently is never written, nor shown", () => {
    for (const value of [
      "",
      " a",
      "a ",
      "a\nb",
      "a\r",
      "a\0",
      "a #b",
      "a ;b",
      "# a",
      "\u00a0a",
      "a\u0085",
      "a\u007f",
    ]) {
      const write = (): string => editSection("", "credentials", "work-mfa", { aws_session_token: value });
      expect(write).toThrow(new Unwritable("the value of aws_session_token"));
    }
  });

  test("a name that some program would read differently is never written", () => {
    for (const name of ["", "a b", "a]", "[a", "a#", "a;b", '"a"', "a\\", "a\n", "DEFAULT", "__proto__"]) {
      expect([name, isPortableName(name)]).toEqual([name, false]);
      expect(() => editSection("", "credentials", name, session)).toThrow(Unwritable);
    }
  });

  test("nor an indented line that would be a second one of its key at the margin", () => {
    const text = "[work-mfa]\naws_access_key_id = OLD\n  output = json\noutput = text\n";
    expect(() => editSection(text, "credentials", "work-mfa", session)).toThrow(BreaksFile);
  });

  test("but a section of such a name, if it is there, keeps its header", () => {
    expect(editSection("[profile  'a b']\n", "config", "a b", region)).toBe(
      "[profile  'a b']\nregion = eu-central-1\n",
    );
  });
});

const removals: Readonly<Record<string, readonly [before: string, after: string]>> = {
  "the section goes with its last key and the blank line above": [`[a]\nb = c\n\n[work-mfa]\n${lines}`, "[a]\nb = c\n"],
  "the first section, too": [`[work-mfa]\n${lines}\n[a]\n`, "\n[a]\n"],
  "between two, with CRLF": ["[a]\r\n\r\n[work-mfa]\r\nregion = x\r\n\r\n[b]\r\n", "[a]\r\n\r\n[b]\r\n"],
  "a foreign key keeps the section": [`[work-mfa]\noutput = json\n${lines}`, "[work-mfa]\noutput = json\n"],
  "a comment keeps it too": [`[work-mfa]\n# mine\n${lines}`, "[work-mfa]\n# mine\n"],
  "an empty section that fob did not empty stays": ["[a]\n\n[work-mfa]\n", "[a]\n\n[work-mfa]\n"],
  "no such section": ["[a]\nregion = x\n", "[a]\nregion = x\n"],
};

test.each(Object.entries(removals))("removeKeys: %s", (_, [before, after]) => {
  const keys = ["aws_access_key_id", "aws_session_token", "region"];
  expect(removeKeys(before, "credentials", "work-mfa", keys)).toBe(after);
});

describe("scan", () => {
  const unparsable: readonly (readonly [text: string, line: number, reason: string])[] = [
    ["a = b\n", 1, "is before the first [section]"],
    ["# c\n\n  junk\n", 3, "is before the first [section]"],
    ["[a]\nb = c\njunk\n", 3, 'is neither a [section] nor "key = value"'],
    ["[a]\r\n\r\njunk", 3, 'is neither a [section] nor "key = value"'],
    ["[a]\n= b\n", 2, "has a value without a key"],
    ["[a]\n[b\n", 2, 'has a "[" without a "]"'],
    ["[a]\nb = \0\n", 2, "contains a NUL byte"],
    [Buffer.from("[a]\n", "utf16le").toString("latin1"), 1, "contains a NUL byte"],
  ];

  test.each(unparsable)("refuses %j, naming line %i", (text, line, reason) => {
    const refused = expect.objectContaining({ line, message: reason }) as UnparsableText;
    expect(() => scan(text, "config")).toThrow(UnparsableText);
    expect(() => scan(text, "config")).toThrow(refused);
    expect(() => editSection(text, "config", "a", session)).toThrow(refused);
    expect(() => removeKeys(text, "config", "a", ["b"])).toThrow(refused);
  });

  test("two sections of one name are told by their lines, however they are spelt", () => {
    const text = '[profile a]\n\n[profile "a"]\n[profile b]\n';
    expect(() => editSection(text, "config", "a", session)).toThrow(DuplicateSection);
    expect(() => editSection(text, "config", "a", session)).toThrow(
      expect.objectContaining({ lines: [1, 3] }) as DuplicateSection,
    );
    expect(editSection(text, "config", "b", region)).toBe(`${text}region = eu-central-1\n`);
  });

  test("properties come with and without their comments, those of blocks apart", () => {
    const text = "[a]\nAWS_X = 1 # one\ns3 = ; mine\n  k = v#w\nregion : eu ;x\nurl=a=b\ncity = Alcal\u00c3\u00a0\n";
    const [section] = scan(text, "credentials");
    const properties = section && parseProperties(text, section);
    expect(properties).toEqual([
      { key: "aws_x", line: 2, value: "1", raw: "1 # one", nested: [] },
      {
        key: "s3",
        line: 3,
        value: "",
        raw: "; mine",
        nested: [{ key: "k", line: 4, value: "v#w", raw: "v#w", nested: [] }],
      },
      { key: "region", line: 5, value: "eu", raw: "eu ;x", nested: [] },
      { key: "url", line: 6, value: "a=b", raw: "a=b", nested: [] },
      { key: "city", line: 7, value: "Alcalà", raw: "Alcalà", nested: [] },
    ]);
  });
});
