/** What Linux tells of processes: CPU time and memory. */
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";

/** Linux counts CPU time in hundredths of a second, whatever it schedules by (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MICROS = 10_000;

type Stat = { pid: number; parent: number; micros: number };

/** CPU time of a process and of all that it has begun, dead ones included, in microseconds. */
export function cpuMicrosOf(root: number): number {
  return treeOf(root).reduce((sum, { micros }) => sum + micros, 0);
}

/** Memory of a process and of all that it has begun, in bytes. What they share counts for each. */
export function residentBytesOf(root: number): number {
  return treeOf(root).reduce((sum, { pid }) => sum + residentBytes(pid), 0);
}

/** CPU time that all cores were busy since the machine began, in microseconds; and how many cores there are. */
export function machineMicros(): { busy: number; cores: number } {
  const [, user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0, steal = 0] = (
    readFileSync("/proc/stat", "utf8").split("\n")[0] ?? ""
  )
    .split(/\s+/)
    .map(Number);
  return {
    busy: (user + nice + system + irq + softIrq + steal) * TICK_MICROS,
    cores: availableParallelism(),
  };
}

function treeOf(root: number): Stat[] {
  const all = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const byParent = Map.groupBy(all, ({ parent }) => parent);
  const tree = all.filter(({ pid }) => pid === root);
  for (const { pid } of tree) tree.push(...(byParent.get(pid) ?? []));
  return tree;
}

/** proc(5), /proc/pid/stat. Null for a process that has ended meanwhile. */
function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program, in brackets, may hold anything.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { pid, parent: Number(fields[1]), micros: ticks * TICK_MICROS };
  } catch {
    return null;
  }
}

function residentBytes(pid: number): number {
  try {
    const [, kib = 0] =
      /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kib) * 1024;
  } catch {
    return 0;
  }
}
