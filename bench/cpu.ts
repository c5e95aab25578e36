/** CPU that processes have used, from /proc: what a mail costs also on a machine that others use meanwhile. */
import { readdirSync, readFileSync } from 'node:fs'

const TICK = 10 // ms per clock tick: USER_HZ is 100 on every Linux we know

/** Milliseconds of a process itself, and of its children: those that live and those that have ended. */
export function cpuOf(pid: number): { own: number; children: number } {
  const found = statOf(pid)
  if (!found) return { own: 0, children: 0 }
  const living = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => statOf(Number(name)))
    .filter((one) => one?.parent === pid)
  return { own: found.own, children: living.reduce((sum, one) => sum + one!.own, found.ended) }
}

function statOf(pid: number): { parent: number; own: number; ended: number } | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const values = line.slice(line.lastIndexOf(')') + 2).split(' ')
    const ticks = (at: number) => (Number(values[at]) + Number(values[at + 1])) * TICK
    return { parent: Number(values[1]), own: ticks(11), ended: ticks(13) }
  } catch {
    return null // ended this moment
  }
}
