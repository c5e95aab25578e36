/** A data folder whose private server stays up, so that each command finds it running. */

import { silent } from '../../src/log.ts'
import { openInstallation } from '../../src/main/installation.ts'
import { type Folder, makeFolder } from '../daemon.ts'

export async function openHouse() {
  const folder: Folder = makeFolder()
  const house = await openInstallation({ data: folder.path }, silent, new Date())
  return {
    house,
    sql: house.sql,
    data: folder.path,
    async close() {
      await house.close()
      await folder.remove()
    },
  }
}
