-- Lists are counted and sorted when they are asked for: what was kept for that goes.
DROP TRIGGER list ON "User";
DROP TRIGGER list_change ON "User";
DROP TRIGGER list ON "UserEmail";
DROP TRIGGER list_change ON "UserEmail";
DROP TRIGGER list ON "PhoneNumber";
DROP TRIGGER list_change ON "PhoneNumber";
DROP TRIGGER list_new ON "Membership";
DROP TRIGGER list ON "Membership";
DROP TRIGGER list_change ON "Membership";
DROP TRIGGER list ON "Tenant";
DROP TRIGGER list_change ON "Tenant";
DROP FUNCTION list_user, list_member_anew, list_identifier, list_new_member, list_member, list_tenant, note_change, listed_as_member,
  listed("User"), listed("UserEmail"), listed("PhoneNumber"), listed("Tenant");

-- AlterTable
ALTER TABLE "Membership" DROP COLUMN "listed";

-- DropTable
DROP TABLE "ListChange";

-- DropTable
DROP TABLE "ListChunk";

-- One index for each order. Who has no address, or is active nowhere, comes first.
DROP INDEX "User_email_order_idx", "User_vendorId_email_key";
CREATE UNIQUE INDEX "User_vendorId_email_key" ON "User"("vendorId", "email" NULLS FIRST);
DROP INDEX "User_activeTenantId_order_idx", "User_vendorId_activeTenantId_id_idx";
CREATE INDEX "User_vendorId_activeTenantId_id_idx" ON "User"("vendorId", "activeTenantId" NULLS FIRST, "id");

-- The trigrams find beginnings, too.
DROP INDEX "User_email_beginning_idx", "User_username_beginning_idx", "User_phoneNumber_beginning_idx";

-- Those who have a name are found by the unique one; whose time is up is seen in the row.
DROP INDEX "User_named_idx", "Membership_expiring_idx";
