import { failure } from '../../../kernel/errors.ts'

export const groupErrors = {
  notFound: failure(404, 'ER-00004', 'Group not found'),
  nameTaken: failure(409, 'computed', 'Group with this name already exists'),
  disabled: failure(403, 'computed', 'Groups are disabled'),
  rolesDisabled: failure(403, 'computed', 'Roles of groups are disabled'),
  provisioned: failure(403, 'computed', 'This group is managed by an identity provider and cannot be changed here'),
  unknownMembers: failure(400, 'computed', 'Some of the users are not members of the account'),
}
