/** The formatted text of a comment, as a newer sanitiser makes it (MAIL 9.1). */
import type { Tx } from '../../database.ts'

/** The words that were read of it stay as they are; no event, because nothing happened to the ticket. */
export async function replaceFormatted(
  tx: Tx,
  comment: { commentId: number; html: string | null; sanitiser: number },
): Promise<void> {
  await tx`update comments set html = ${comment.html}, sanitiser = ${comment.sanitiser} where id = ${comment.commentId}`
}
