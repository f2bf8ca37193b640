// CloudTrail's event history. Heavy: import() it, and only when AWS is really called.
import type { Connection } from "./connection.ts";
import { AwsFailure } from "./failures.ts";
import { askService, userAgent } from "./other-services.ts";

export interface TrailEvent {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** `ListBuckets` */
  readonly name: string;
  /** `s3.amazonaws.com` */
  readonly source: string;
  /** The name of the user, or of the session. */
  readonly user: string | undefined;
  /** Whether fob has made the call, to look at monitoring. */
  readonly isOwn: boolean;
}

export interface EventQuery {
  readonly region: string;
  readonly attribute: "AccessKeyId" | "EventName";
  readonly value: string;
  /** Milliseconds since 1970. */
  readonly since: number;
}

/** There are more events than fob reads; that says nothing of other searches. */
export class TooManyEvents extends AwsFailure {}

/** Of the latest 500 events. */
const mostPages = 10;

/** Finds the latest event that matches; undefined if no event does. @throws AwsFailure also if there are too many events */
type SearchEvents = (isMatch: (event: TrailEvent) => boolean) => Promise<TrailEvent | undefined>;

/**
 * Searches the management events of a region, at most 90 days, latest first. Reads no more of them than it needs, and none
 * twice. One search at a time.
 * https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
 */
export function searchEvents(aws: Connection, { region, attribute, value, since }: EventQuery): SearchEvents {
  const events: TrailEvent[] = [];
  let token: string | undefined;
  let pages = 0;
  const readPage = async (): Promise<void> => {
    const input = {
      LookupAttributes: [{ AttributeKey: attribute, AttributeValue: value }],
      ...{ StartTime: Math.floor(since / 1000), MaxResults: 50, NextToken: token },
    };
    const call = { service: "cloudtrail", operation: "LookupEvents", region, input } as const;
    const answer = readAnswer(await askService(aws, call));
    events.push(...answer.events);
    token = answer.token;
    pages++;
  };
  return async (isMatch) => {
    for (let seen = 0; ; ) {
      const found = events.slice(seen).find(isMatch);
      if (found !== undefined) return found;
      seen = events.length;
      if (pages > 0 && token === undefined) return undefined;
      if (pages >= mostPages) {
        throw new TooManyEvents("refused", `there are more than ${mostPages * 50} events of ${attribute} ${value}`, []);
      }
      await readPage();
    }
  };
}

function readAnswer(text: string): { readonly events: readonly TrailEvent[]; readonly token: string | undefined } {
  const { Events = [], NextToken } = JSON.parse(text) as {
    readonly Events?: readonly {
      readonly EventTime?: number;
      readonly EventName?: string;
      readonly EventSource?: string;
      readonly Username?: string;
      readonly CloudTrailEvent?: string;
    }[];
    readonly NextToken?: string;
  };
  const events = Events.map(({ EventTime = 0, EventName = "", EventSource = "", Username, CloudTrailEvent }) => ({
    ...{ time: EventTime * 1000, name: EventName, source: EventSource, user: Username },
    isOwn: readAgent(CloudTrailEvent) === userAgent,
  }));
  return { events, token: NextToken };
}

function readAgent(record: string | undefined): unknown {
  try {
    return (JSON.parse(record ?? "{}") as { userAgent?: unknown }).userAgent;
  } catch {
    return undefined;
  }
}
