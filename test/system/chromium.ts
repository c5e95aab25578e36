/** How the suites start Chromium: without what it would ask of the world by itself. */
export const FLAGS = [
  '--no-sandbox', // root in a container has no other way
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
