import { failure } from '../../../kernel/errors.ts'

export const roleErrors = {
  notFound: failure(404, 'ER-00004', 'Role not found'),
  keyTaken: failure(409, 'computed', 'Roles already exists'),
  unknownRoles: failure(400, 'computed', 'Some of the roles do not exist'),
  ofEnvironment: failure(403, 'computed', 'This role belongs to the environment and cannot be changed by an account'),
  tooStrong: failure(403, 'computed', 'The role is stronger than your own'),
  notWeaker: failure(403, 'computed', 'The role is not weaker than your own'),
  strongerUser: failure(403, 'computed', 'The user has a role that is stronger than your own'),
  notHeld: failure(403, 'computed', (key: string) => `Permission ${key} can be passed on only by who has it`),
  notAssignable: failure(403, 'computed', 'The permission cannot be used in the roles of an account'),
}
