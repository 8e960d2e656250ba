-- AlterTable
ALTER TABLE "TenantInvite" ADD COLUMN     "fromMember" BOOLEAN NOT NULL DEFAULT false;
-- of those that are there nothing says who made them: most likely the members themselves
UPDATE "TenantInvite" SET "fromMember" = true WHERE "userId" IS NOT NULL AND NOT "personal";
