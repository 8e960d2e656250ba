import { Type } from 'typebox'
import { operation, Raw } from '../../../kernel/operation.ts'
import { Id } from '../../../kernel/validation.ts'
import { userErrors } from '../users/users.errors.ts'
import * as users from '../users/users.service.ts'
import { pictureErrors } from './profile-pictures.errors.ts'
import * as pictures from './profile-pictures.service.ts'

const tag = 'Team'

export const profilePicturesRoutes = [
  operation({
    id: 'setOwnPictureV1',
    method: 'PUT',
    path: '/team/resources/profile/me/image/v1',
    summary: 'Make an image the own picture; the reply is its address',
    tag,
    auth: 'both',
    tenant: 'optional',
    user: 'required',
    body: Type.Object({ profileImage: Type.String({ minLength: 1, maxLength: 1_500_000 }) }),
    upload: 'profileImage',
    returns: { 200: Raw },
    errors: [
      userErrors.notFound,
      pictureErrors.notBase64,
      pictureErrors.noImage,
      pictureErrors.tooWide,
      pictureErrors.tooLarge,
    ],
    handler: async (ctx, { body }) => ({
      type: 'text/plain; charset=utf-8',
      data: await pictures.store(ctx, await users.self(ctx, ctx.user, ctx.tenant), body.profileImage),
    }),
  }),
  operation({
    // public, for the pages that show it: a browser's image request does not name the environment
    id: 'getPictureV1',
    method: 'GET',
    path: `${pictures.PATH}/{vendorId}/{pictureId}`,
    summary: 'Read a picture',
    tag,
    auth: 'public',
    params: Type.Object({ vendorId: Id, pictureId: Id }),
    returns: { 200: Raw },
    errors: [pictureErrors.notFound],
    environment: async (environments, { params }) => {
      const found = await environments.byId(params.vendorId)
      if (!found) throw pictureErrors.notFound()
      return found
    },
    handler: (ctx, { params }) => pictures.get(ctx, params.pictureId),
  }),
]
