// The users of the scenario `5000-users` beside the team: the same names, groups and stories each time.
import type { Account } from "./account.ts";
import { addPerson, createStories, day, hour, minute, type Person } from "./people.ts";

const firstNames = [
  ...["ana", "amir", "bea", "bo", "carl", "chen", "dina", "dev", "eli", "eva", "femi", "flo", "gita", "greg", "hana"],
  ...[
    "hugo",
    "ida",
    "ivan",
    "jin",
    "joan",
    "kai",
    "kira",
    "leo",
    "lina",
    "mara",
    "max",
    "nadia",
    "nils",
    "ola",
    "omar",
  ],
  ...["pia", "paul", "quinn", "rosa", "raj", "sam", "sara", "tara", "theo", "uma", "udo", "vera", "viktor", "wen"],
  ...[
    "will",
    "xenia",
    "yara",
    "yusuf",
    "zoe",
    "zeno",
    "alba",
    "boris",
    "cora",
    "dario",
    "edda",
    "fritz",
    "gwen",
    "henri",
  ],
  ...["ines", "jonas", "katja", "luca", "mina", "noor", "otto", "petra", "rui", "sven", "tess", "vito", "wanda"],
];

const lastNames = [
  ...[
    "adams",
    "bauer",
    "brown",
    "castro",
    "chen",
    "cohen",
    "costa",
    "diaz",
    "dubois",
    "evans",
    "fischer",
    "ford",
    "garcia",
  ],
  ...[
    "gupta",
    "haas",
    "hill",
    "ito",
    "jones",
    "kaur",
    "keller",
    "khan",
    "kim",
    "kovacs",
    "kumar",
    "lang",
    "lee",
    "lopez",
  ],
  ...[
    "maier",
    "martin",
    "meyer",
    "mori",
    "moss",
    "nagy",
    "novak",
    "okafor",
    "olsen",
    "ortiz",
    "park",
    "patel",
    "petrov",
  ],
  ...["price", "quist", "rao", "reid", "rossi", "russo", "sato", "schmidt", "shah", "silva", "singh", "smith", "sosa"],
  ...[
    "stone",
    "suzuki",
    "tanaka",
    "thomas",
    "torres",
    "tran",
    "ueda",
    "vargas",
    "vega",
    "vogel",
    "walsh",
    "wang",
    "weber",
  ],
  ...["wolf", "wong", "yang", "young", "zhang", "zhou", "ziegler"],
];

const teams = ["payments", "search", "mobile", "data", "platform", "support", "growth", "security"];

/** An index, spread over 0 … below: the same each time. @param salt tells apart what is spread */
const spread = (index: number, salt: number, below: number): number =>
  ((Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(salt, 0x85ebca6b)) >>> 0) % below;

/** How many of a hundred users have a story. */
type Share = readonly [
  share: number,
  tell: (index: number, stories: ReturnType<typeof createStories>) => Partial<Person>,
];

const story: readonly Share[] = [
  // Enrolled, with a key for the command line.
  [
    44,
    (i, { password, key, device }) => ({
      ...{
        password: password(20 + spread(i, 1, 200), spread(i, 2, 14) * day + hour),
        devices: [device("virtual", 150)],
      },
      keys: [key(10 + spread(i, 3, 80), "sts", spread(i, 4, 200) * hour)],
    }),
  ],
  // Enrolled, without a key.
  [
    13,
    (i, { password, device }) => ({
      ...{
        password: password(20 + spread(i, 1, 300), spread(i, 2, 30) * day + hour),
        devices: [device("virtual", 120)],
      },
    }),
  ],
  // Password and key, no device.
  [
    12,
    (i, { password, key }) => ({
      password: password(30 + spread(i, 1, 200), spread(i, 2, 20) * day + hour),
      keys: [key(20 + spread(i, 3, 300), "sts", spread(i, 4, 400) * hour)],
    }),
  ],
  // Has left: nothing used for half a year or longer.
  [
    8,
    (i, { password, key }) => ({
      password: password(400 + spread(i, 1, 100), (180 + spread(i, 2, 200)) * day),
      keys: [key(400 + spread(i, 3, 100), "s3", (180 + spread(i, 4, 200)) * day)],
    }),
  ],
  // The key also runs a cron job.
  [
    6,
    (i, { password, key, device }) => ({
      ...{ password: password(60, spread(i, 2, 10) * day + hour), devices: [device("virtual", 100)] },
      keys: [key(30 + spread(i, 3, 300), spread(i, 5, 2) === 0 ? "s3" : "ec2", spread(i, 4, 48) * hour + minute)],
    }),
  ],
  // A virtual and a hardware device.
  [
    5,
    (i, { password, key, device }) => ({
      password: password(40, spread(i, 2, 10) * day + hour),
      ...{
        keys: [key(50, "sts", spread(i, 4, 100) * hour)],
        devices: [device("virtual", 140), device("hardware", 90)],
      },
    }),
  ],
  // A security key only, and an access key.
  [
    4,
    (i, { password, key, device }) => ({
      password: password(80, spread(i, 2, 10) * day + hour),
      ...{ keys: [key(45, "sts", spread(i, 4, 100) * hour)], devices: [device("fido", 110, "security-key")] },
    }),
  ],
  // Has never signed in, and must change the first password.
  [
    3,
    (i, { ago }) => ({
      createdMs: ago((1 + spread(i, 1, 20)) * day),
      password: { changedMs: ago((1 + spread(i, 1, 20)) * day), lastUsedMs: undefined, resetRequired: true },
    }),
  ],
];

/** Of a hundred users. Those that remain are automation, with a key and no password. */
const ofPeople = story.flatMap(([share, tell]) => Array.from({ length: share }, () => tell));

/** Adds users to the account of the team. */
export function addCrowd(account: Account, count: number): void {
  const stories = createStories(account.now());
  for (const team of teams) account.addGroup(team, "/teams/", [readBucketsOf(team)], []);
  for (let index = 0; index < count; index++) addPerson(account, describePerson(index, stories));
}

const readBucketsOf = (team: string): object => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["s3:GetObject", "s3:ListBucket"], Resource: `arn:aws:s3:::${team}*` }],
});

function describePerson(index: number, stories: ReturnType<typeof createStories>): Person {
  const { key, joined } = stories;
  const team = teams[index % teams.length] ?? "";
  // 37 and 100 have no common divisor, so each hundred has all stories in these shares.
  const tell = ofPeople[(index * 37) % 100];
  if (tell === undefined) {
    const keys = [key(20 + spread(index, 3, 600), "s3", spread(index, 4, 20) * hour + minute)];
    return { name: `ci-${team}-${index}`, groups: [team], ...joined(700), keys };
  }
  return {
    ...{ name: nameOf(index), groups: ["developers", team], path: index % 5 === 0 ? "/contractors/" : "/" },
    ...joined(505 + spread(index, 6, 350)),
    ...tell(index, stories),
  };
}

/** 71 and 73 have no common divisor, so no name comes twice within 5,183. */
function nameOf(index: number): string {
  return `${firstNames[index % firstNames.length]}.${lastNames[index % lastNames.length]}`;
}
