import { failure } from '../../../kernel/errors.ts'

export const pictureErrors = {
  notBase64: failure(400, 'computed', 'profileImage must be base64 encoded'),
  noImage: failure(400, 'computed', 'profileImage must be a PNG, JPEG, GIF or WebP image'),
  tooWide: failure(400, 'computed', 'profileImage must be at most 4096 pixels wide and high'),
  tooLarge: failure(413, 'computed', 'profileImage must be at most 1 MiB large'),
  notFound: failure(404, 'ER-00004', 'Picture not found'),
}
