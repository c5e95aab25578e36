/**
 * Keeps an open queue true: asks for the page again when the desk says that it changed, and once a minute because time
 * passes, which only the desk can count in working hours. Without it the page is the same, as of its last loading.
 */
const PARTS = ['#queue', 'nav[aria-label="Desk"]']
const MINUTE = 60_000
const BETWEEN = 2000 // milliseconds from one page to the next question at the least
const FOCUSABLE = 'a, button, input, select'

let stream = null
let waiting = false
let asking = false
let askedAt = performance.now()
let shownAt = new Date()

function listen() {
  if (stream || document.hidden) return
  stream = new EventSource(document.getElementById('queue').dataset.live)
  stream.addEventListener('change', () => refreshIn(Math.random() * 500))
  // Refused for good, such as by the desk's limit: the minute's refresh stays, and tries it again.
  stream.addEventListener('error', () => stream?.readyState === EventSource.CLOSED && hangUp())
}

function hangUp() {
  stream?.close()
  stream = null
}

function refreshIn(milliseconds) {
  const due = Math.max(milliseconds, askedAt + BETWEEN - performance.now())
  if (waiting) return
  waiting = true
  setTimeout(() => {
    waiting = false
    refresh()
  }, due)
}

async function refresh() {
  if (document.hidden) return
  if (asking || inUse()) return refreshIn(1000)
  asking = true
  try {
    const answer = await fetch(location.href, { cache: 'no-store', signal: AbortSignal.timeout(10_000) })
    if (new URL(answer.url).pathname === '/sign-in') return location.assign('/sign-in')
    if (!answer.ok) throw new Error(answer.statusText)
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
    for (const part of PARTS) replace(document.querySelector(part), page.querySelector(part))
    shownAt = new Date()
    say('')
  } catch {
    say(`The desk does not answer. This list is from ${shownAt.toLocaleTimeString()}.`)
  } finally {
    asking = false
    askedAt = performance.now()
  }
}

/** A list must not move under a finger, nor lose the words that somebody is about to copy. */
function inUse() {
  const list = document.getElementById('queue')
  const selection = getSelection()
  return list.matches(':active') || (!selection.isCollapsed && selection.containsNode(list, true))
}

/** Puts the new part in the place of the old one; the focus stays on the same link, or where that one was. */
function replace(old, fresh) {
  if (!old || !fresh || old.outerHTML === fresh.outerHTML) return
  const focused = old.contains(document.activeElement) ? document.activeElement : null
  const before = [...old.querySelectorAll(FOCUSABLE)].indexOf(focused)
  const [x, y] = [scrollX, scrollY]
  old.replaceWith(document.adoptNode(fresh))
  if (focused) {
    const now = [...fresh.querySelectorAll(FOCUSABLE)]
    const same = now.find((one) => one.getAttribute('href') === focused.getAttribute('href'))
    const next = same ?? now[Math.min(before, now.length - 1)] ?? document.getElementById('main')
    next.focus({ preventScroll: true })
  }
  if (scrollX !== x || scrollY !== y) scrollTo({ left: x, top: y, behavior: 'instant' })
}

function say(words) {
  const place = document.getElementById('stale')
  if (place.textContent !== words) place.textContent = words
}

function wake() {
  if (document.hidden) return hangUp()
  listen()
  refreshIn(0)
}

document.addEventListener('visibilitychange', wake)
addEventListener('pagehide', hangUp)
addEventListener('pageshow', (event) => event.persisted && wake())
setInterval(() => {
  if (document.hidden) return
  listen()
  refreshIn(0)
}, MINUTE)
listen()
