-- DropIndex
DROP INDEX "Tenant_vendorId_createdAt_idx";

-- CreateIndex
CREATE INDEX "Tenant_vendorId_createdAt_rowId_idx" ON "Tenant"("vendorId", "createdAt", "rowId");

-- CreateIndex
CREATE INDEX "Tenant_name_id_idx" ON "Tenant" USING GIN ("name" gin_trgm_ops, "id" gin_trgm_ops);

-- The list of tenants is a counted one, too.
CREATE TRIGGER tenants_come AFTER INSERT ON "Tenant" REFERENCING NEW TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION note_list_changes('tenants', 'createdAt', 'rowId', '', 'true');
CREATE TRIGGER tenants_go AFTER DELETE ON "Tenant" REFERENCING OLD TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION note_list_changes('tenants', 'createdAt', 'rowId', '', 'true');
INSERT INTO "ListChunk" ("vendorId", list, at, id, size) SELECT "vendorId", 'tenants', '-infinity', '00000000-0000-0000-0000-000000000000', count(*) FROM "Tenant" GROUP BY 1;

-- For those that begin with what is searched for; all are kept in lower case. Partial, as Prisma would find the operator class to differ for ever.
CREATE INDEX "User_email_beginning_idx" ON "User"("vendorId", "email" text_pattern_ops) WHERE "email" IS NOT NULL;
CREATE INDEX "User_username_beginning_idx" ON "User"("vendorId", "username" text_pattern_ops) WHERE "username" IS NOT NULL;
CREATE INDEX "User_phoneNumber_beginning_idx" ON "User"("vendorId", "phoneNumber" text_pattern_ops) WHERE "phoneNumber" IS NOT NULL;
