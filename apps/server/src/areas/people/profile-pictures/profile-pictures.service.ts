import type { Prisma } from '@henhouse/database'
import { baseUrl } from '../../../kernel/environments.ts'
import type { Ctx } from '../../../kernel/operation.ts'
import * as users from '../users/users.service.ts'
import * as events from '../../rights/events/events.service.ts'
import { imageOf } from './image.ts'
import { pictureErrors } from './profile-pictures.errors.ts'

export const PATH = '/team/resources/profile/images/v1'
const MOST_BYTES = 1024 * 1024,
  MOST_PIXELS = 4096

/**
 * Sets the user's picture. The one before is deleted, and its address stops working.
 * @param text base64, with or without the prefix of a data URL; the type that the prefix claims does not count
 * @returns where it is served @throws 400 for what is no image, 413 for one that is too large, 404, what a prehook says
 */
export async function store(ctx: Ctx, where: Prisma.UserWhereInput & { id: string }, text: string) {
  const data = bytes(text),
    image = imageOf(data)
  if (!image?.width || !image.height) throw pictureErrors.noImage()
  if (Math.max(image.width, image.height) > MOST_PIXELS) throw pictureErrors.tooWide()
  const id = ctx.random.uuid(),
    userId = where.id
  const url = `${baseUrl(ctx.deps.publicUrl, ctx.environment)}${PATH}/${ctx.vendorId}/${id}`
  await users.mayBeUpdated(ctx, userId, { profilePictureUrl: url })
  await events.recording(ctx, { key: 'user.pictureChanged', userId }, async (tx) => {
    // locks the user's row first, so that of two pictures at once one stays
    await users.mark(tx, where, { profilePictureUrl: url })
    await tx.db.profilePicture.deleteMany({ where: { userId } })
    await tx.db.profilePicture.create({
      data: { id, userId, contentType: image.type, data: new Uint8Array(data), createdAt: tx.clock.now() },
      select: { id: true },
    })
  })
  return url
}

function bytes(text: string) {
  const base64 = text.replace(/^data:[\w/+.;=-]*,/, '').replaceAll(/\s/g, '')
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(base64)) throw pictureErrors.notBase64()
  const data = Buffer.from(base64, 'base64')
  if (data.length > MOST_BYTES) throw pictureErrors.tooLarge()
  return data
}

/** @throws 404 */
export async function get(ctx: Ctx, id: string) {
  const found = await ctx.db.profilePicture.findUnique({ where: { id }, select: { contentType: true, data: true } })
  if (!found) throw pictureErrors.notFound()
  return { type: found.contentType, data: Buffer.from(found.data), lasting: true }
}
