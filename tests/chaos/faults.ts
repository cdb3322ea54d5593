/** What goes wrong, each until it is mended again. */
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

export type Fault = {
  name: string;
  /** In seconds at most; a third of it at least. Nothing where it is over at once. */
  seconds?: number;
  /** Null where the world has no such part. */
  begin(world: World, random: Random): Promise<unknown> | unknown;
  end?(world: World): Promise<unknown> | unknown;
  isPossible?(world: World): boolean;
};

const READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only";
/** One statement a message: ALTER SYSTEM runs in no transaction. */
async function setReadOnly({ postgres }: World, value: string): Promise<void> {
  await postgres.query(`${READ_ONLY} = ${value}`);
  await postgres.query("SELECT pg_reload_conf()");
}

const hasPooler = ({ pooler }: World) => pooler !== null;
const hasClock = ({ stepClock }: World) => stepClock !== null;

/** The server that the fault of the moment is about: the end has to mend the same. */
let chosen = 0;
const instance = ({ instances }: World) => instances[chosen] ?? instances[0];
function choose(world: World, random: Random) {
  chosen = random.below(2);
  return instance(world);
}

export const FAULTS: Fault[] = [
  {
    name: "a server killed",
    begin: (world, random) => choose(world, random).signal("SIGKILL"),
  },
  {
    name: "PostgreSQL killed",
    begin: ({ postgres }) => postgres.signal("SIGKILL"),
    end: ({ postgres }) => postgres.start(),
  },
  {
    name: "PostgreSQL stopped at once (immediate)",
    seconds: 3,
    begin: ({ postgres }) => postgres.signal("SIGQUIT"),
    end: ({ postgres }) => postgres.start(),
  },
  {
    name: "both servers killed",
    begin({ instances }) {
      for (const each of instances) each.signal("SIGKILL");
    },
  },
  {
    name: "PgBouncer killed",
    seconds: 3,
    isPossible: hasPooler,
    begin: ({ pooler }) => pooler?.signal("SIGKILL"),
    end: ({ pooler }) => pooler?.restart(),
  },
  {
    name: "the SMTP server gone",
    seconds: 15,
    begin: ({ smtpProxy }) => smtpProxy.cut(),
    end: ({ smtpProxy }) => smtpProxy.restore(),
  },
  {
    name: "the disk full",
    seconds: 9,
    isPossible: ({ postgres }) => postgres.ownDisk,
    begin: ({ postgres }) => postgres.fillDisk(),
    async end({ postgres }) {
      postgres.emptyDisk();
      await postgres.start();
    },
  },
  {
    name: "a backend of PostgreSQL killed",
    begin: ({ postgres }) => postgres.killBackend("tenantry"),
  },
  {
    name: "the database read-only",
    seconds: 6,
    begin: (world) => setReadOnly(world, "on"),
    end: (world) => setReadOnly(world, "off"),
  },
  {
    name: "a server ended by SIGTERM",
    begin: (world, random) => choose(world, random).signal("SIGTERM"),
  },
  {
    name: "PostgreSQL frozen",
    seconds: 12,
    begin: ({ postgres }) => postgres.signal("SIGSTOP"),
    end: ({ postgres }) => postgres.signal("SIGCONT"),
  },
  {
    name: "a server frozen",
    seconds: 9,
    begin: (world, random) => choose(world, random).signal("SIGSTOP"),
    end: (world) => instance(world).signal("SIGCONT"),
  },
  {
    name: "a clock a minute ahead",
    seconds: 9,
    isPossible: hasClock,
    begin: ({ stepClock }) => stepClock?.(60),
    end: ({ stepClock }) => stepClock?.(0),
  },
  {
    name: "a clock a minute behind",
    seconds: 9,
    isPossible: hasClock,
    begin: ({ stepClock }) => stepClock?.(-60),
    end: ({ stepClock }) => stepClock?.(0),
  },
  {
    name: "PgBouncer frozen",
    seconds: 9,
    isPossible: hasPooler,
    begin: ({ pooler }) => pooler?.signal("SIGSTOP"),
    end: ({ pooler }) => pooler?.signal("SIGCONT"),
  },
  {
    name: "the SMTP server silent",
    seconds: 15,
    begin: ({ smtpProxy }) => smtpProxy.freeze(),
    end: ({ smtpProxy }) => smtpProxy.restore(),
  },
  {
    name: "the replica killed",
    seconds: 3,
    begin: ({ replica }) => replica.signal("SIGKILL"),
    end: ({ replica }) => replica.start(),
  },
  {
    name: "the replica frozen",
    seconds: 12,
    begin: ({ replica }) => replica.signal("SIGSTOP"),
    end: ({ replica }) => replica.signal("SIGCONT"),
  },
  {
    name: "the replica gone, and back",
    seconds: 15,
    begin: ({ replica }) => replica.signal("SIGINT"),
    end: ({ replica }) => replica.start(),
  },
  {
    name: "the replica's replay held up",
    seconds: 9,
    begin: ({ replica }) => replica.pause(),
    end: ({ replica }) => replica.resume(),
  },
  {
    name: "the replica two seconds behind",
    seconds: 9,
    begin: ({ replica }) => replica.delay(2),
    end: ({ replica }) => replica.delay(0),
  },
  {
    name: "the replica made a primary",
    seconds: 6,
    begin: ({ replica }) => replica.promote(),
    end: ({ replica }) => replica.makeAnew(),
  },
];
