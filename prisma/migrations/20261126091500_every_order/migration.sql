-- The counted lists again, in all of their orders, and those of a tenant's members, their addresses and their numbers too.
-- What there was of them is derived, and written anew below.
DROP TRIGGER users_come ON "User";
DROP TRIGGER users_go ON "User";
DROP TRIGGER usernames_come ON "User";
DROP TRIGGER usernames_go ON "User";
DROP TRIGGER usernames_change ON "User";
DROP TRIGGER emails_come ON "UserEmail";
DROP TRIGGER emails_go ON "UserEmail";
DROP TRIGGER "phone-numbers_come" ON "PhoneNumber";
DROP TRIGGER "phone-numbers_go" ON "PhoneNumber";
DROP TRIGGER tenants_come ON "Tenant";
DROP TRIGGER tenants_go ON "Tenant";
DROP TRIGGER members_come ON "Membership";
DROP TRIGGER members_go ON "Membership";
DROP TRIGGER members_move ON "Membership";
DROP TRIGGER copy_user_created_at ON "Membership";
DROP FUNCTION note_list_changes, note_username_change, note_membership_move, copy_user_created_at;
TRUNCATE "ListChange", "ListChunk";

-- DropIndex
DROP INDEX "Membership_vendorId_tenantId_userCreatedAt_userId_idx";

-- DropIndex
DROP INDEX "PhoneNumber_vendorId_userId_createdAt_idx";

-- DropIndex
DROP INDEX "UserEmail_vendorId_userId_createdAt_idx";

-- AlterTable
ALTER TABLE "ListChange" DROP COLUMN "at",
ADD COLUMN     "keys" JSONB NOT NULL;

-- AlterTable
ALTER TABLE "ListChunk" DROP CONSTRAINT "ListChunk_pkey",
DROP COLUMN "at",
ADD COLUMN     "by" TEXT NOT NULL,
ADD COLUMN     "key" TEXT NOT NULL,
ADD COLUMN     "ids" UUID[],
ADD COLUMN     "keys" TEXT[],
ADD COLUMN     "members" UUID[],
ADD CONSTRAINT "ListChunk_pkey" PRIMARY KEY ("vendorId", "list", "by", "key", "id");

-- AlterTable
ALTER TABLE "Membership" DROP COLUMN "userCreatedAt",
ADD COLUMN     "listed" JSONB NOT NULL DEFAULT '{}';

-- CreateIndex
CREATE INDEX "PhoneNumber_vendorId_userId_id_idx" ON "PhoneNumber"("vendorId", "userId", "id");

-- CreateIndex
CREATE INDEX "Tenant_vendorId_name_rowId_idx" ON "Tenant"("vendorId", "name", "rowId");

-- DropIndex
DROP INDEX "Tenant_vendorId_parentId_idx";

-- CreateIndex
CREATE INDEX "Tenant_vendorId_parentId_createdAt_rowId_idx" ON "Tenant"("vendorId", "parentId", "createdAt", "rowId");

-- CreateIndex
CREATE INDEX "Tenant_vendorId_parentId_name_rowId_idx" ON "Tenant"("vendorId", "parentId", "name", "rowId");

-- CreateIndex
CREATE INDEX "Tenant_vendorId_parentId_id_idx" ON "Tenant"("vendorId", "parentId", "id");

-- CreateIndex
CREATE INDEX "UserEmail_vendorId_userId_id_idx" ON "UserEmail"("vendorId", "userId", "id");

-- who has none comes first
CREATE INDEX "User_email_order_idx" ON "User"("vendorId", coalesce("email", ''), "id");
CREATE INDEX "User_activeTenantId_order_idx" ON "User"("vendorId", coalesce("activeTenantId", ''), "id");

-- What each kind of row is ordered by.
CREATE FUNCTION listed(u "User") RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('createdAt', u."createdAt", 'name', u.name, 'email', coalesce(u.email, ''), 'verified', u.verified, 'isLocked', u."isLocked",
    'provider', u.provider, 'tenantId', coalesce(u."activeTenantId", ''), 'username', u.username, 'lastLogin', coalesce(u."lastLogin", '-infinity'))
$$;
CREATE FUNCTION listed(e "UserEmail") RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT jsonb_build_array(e.id, e."createdAt", e.email) $$;
CREATE FUNCTION listed(p "PhoneNumber") RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT jsonb_build_array(p.id, p."createdAt", p."phoneNumber") $$;
CREATE FUNCTION listed(t "Tenant") RETURNS jsonb LANGUAGE sql STABLE AS $$ SELECT jsonb_build_object('createdAt', t."createdAt", 'name', t.name, 'tenantId', t.id) $$;
CREATE FUNCTION listed_as_member(u "User") RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT listed(u) || jsonb_build_object(
    'emails', coalesce((SELECT jsonb_agg(listed(e) ORDER BY e.id) FROM "UserEmail" e WHERE e."vendorId" = u."vendorId" AND e."userId" = u.id), '[]'),
    'phone-numbers', coalesce((SELECT jsonb_agg(listed(p) ORDER BY p.id) FROM "PhoneNumber" p WHERE p."vendorId" = u."vendorId" AND p."userId" = u.id), '[]'))
$$;

-- Whatever comes into a list, goes, or moves in it is noted in the transaction that does it.
CREATE FUNCTION note_change(vendor_id uuid, list text, id uuid, change int, keys jsonb) RETURNS void LANGUAGE sql AS $$
  INSERT INTO "ListChange" ("vendorId", list, id, change, keys) VALUES (vendor_id, list, id, change, keys)
$$;

CREATE FUNCTION list_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- only tenants list their users by the last login
  IF TG_OP <> 'UPDATE' OR listed(OLD) - 'lastLogin' <> listed(NEW) - 'lastLogin' THEN
    IF TG_OP <> 'INSERT' THEN PERFORM note_change(OLD."vendorId", 'users', OLD.id, -1, listed(OLD)); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM note_change(NEW."vendorId", 'users', NEW.id, 1, listed(NEW)); END IF;
  END IF;
  IF TG_OP = 'UPDATE' THEN UPDATE "Membership" SET listed = listed || listed(NEW) WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER list AFTER INSERT OR DELETE ON "User" FOR EACH ROW EXECUTE FUNCTION list_user();
CREATE TRIGGER list_change AFTER UPDATE OF name, email, username, verified, "isLocked", provider, "activeTenantId", "lastLogin" ON "User" FOR EACH ROW
  WHEN (listed(OLD.*) IS DISTINCT FROM listed(NEW.*)) EXECUTE FUNCTION list_user();

-- The user's row is locked for as long as something of it is copied: nobody copies what somebody else is just changing.
CREATE FUNCTION list_member_anew(vendor_id uuid, user_id uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM "User" WHERE "vendorId" = vendor_id AND id = user_id FOR NO KEY UPDATE;
  UPDATE "Membership" m SET listed = listed_as_member(u) FROM "User" u WHERE m."vendorId" = vendor_id AND m."userId" = user_id AND u."vendorId" = vendor_id AND u.id = user_id;
END $$;

-- TG_ARGV: the list
CREATE FUNCTION list_identifier() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM note_change(OLD."vendorId", TG_ARGV[0], OLD."userId", -1, jsonb_build_object(TG_ARGV[0], jsonb_build_array(listed(OLD)))); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM note_change(NEW."vendorId", TG_ARGV[0], NEW."userId", 1, jsonb_build_object(TG_ARGV[0], jsonb_build_array(listed(NEW)))); END IF;
  PERFORM list_member_anew(coalesce(NEW."vendorId", OLD."vendorId"), coalesce(NEW."userId", OLD."userId"));
  RETURN NULL;
END $$;
CREATE TRIGGER list AFTER INSERT OR DELETE ON "UserEmail" FOR EACH ROW EXECUTE FUNCTION list_identifier('emails');
CREATE TRIGGER list_change AFTER UPDATE OF email ON "UserEmail" FOR EACH ROW WHEN (OLD.email <> NEW.email) EXECUTE FUNCTION list_identifier('emails');
CREATE TRIGGER list AFTER INSERT OR DELETE ON "PhoneNumber" FOR EACH ROW EXECUTE FUNCTION list_identifier('phone-numbers');
CREATE TRIGGER list_change AFTER UPDATE OF "phoneNumber" ON "PhoneNumber" FOR EACH ROW WHEN (OLD."phoneNumber" <> NEW."phoneNumber") EXECUTE FUNCTION list_identifier('phone-numbers');

CREATE FUNCTION list_new_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM "User" WHERE "vendorId" = NEW."vendorId" AND id = NEW."userId" FOR NO KEY UPDATE;
  -- of no user: the foreign key refuses it
  NEW.listed := coalesce((SELECT listed_as_member(u) FROM "User" u WHERE "vendorId" = NEW."vendorId" AND id = NEW."userId"), '{}');
  RETURN NEW;
END $$;
CREATE TRIGGER list_new BEFORE INSERT OR UPDATE OF "userId" ON "Membership" FOR EACH ROW EXECUTE FUNCTION list_new_member();

CREATE FUNCTION list_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN PERFORM note_change(OLD."vendorId", 'members:' || OLD."tenantId", OLD."userId", -1, OLD.listed); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM note_change(NEW."vendorId", 'members:' || NEW."tenantId", NEW."userId", 1, NEW.listed); END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER list AFTER INSERT OR DELETE ON "Membership" FOR EACH ROW EXECUTE FUNCTION list_member();
CREATE TRIGGER list_change AFTER UPDATE OF "tenantId", "userId", listed ON "Membership" FOR EACH ROW
  WHEN ((OLD."tenantId", OLD."userId", OLD.listed) IS DISTINCT FROM (NEW."tenantId", NEW."userId", NEW.listed)) EXECUTE FUNCTION list_member();

CREATE FUNCTION list_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' THEN
    PERFORM note_change(OLD."vendorId", 'tenants', OLD."rowId", -1, listed(OLD));
    IF OLD."parentId" IS NOT NULL THEN PERFORM note_change(OLD."vendorId", 'children:' || OLD."parentId", OLD."rowId", -1, listed(OLD)); END IF;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    PERFORM note_change(NEW."vendorId", 'tenants', NEW."rowId", 1, listed(NEW));
    IF NEW."parentId" IS NOT NULL THEN PERFORM note_change(NEW."vendorId", 'children:' || NEW."parentId", NEW."rowId", 1, listed(NEW)); END IF;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER list AFTER INSERT OR DELETE ON "Tenant" FOR EACH ROW EXECUTE FUNCTION list_tenant();
CREATE TRIGGER list_change AFTER UPDATE OF id, name, "parentId" ON "Tenant" FOR EACH ROW
  WHEN (OLD."parentId" IS DISTINCT FROM NEW."parentId" OR listed(OLD.*) <> listed(NEW.*)) EXECUTE FUNCTION list_tenant();

-- What there is already is found to be long, or not, when its lists are folded; a change of nothing has that done.
ALTER TABLE "Membership" DISABLE TRIGGER list_change;
UPDATE "Membership" m SET listed = listed_as_member(u) FROM "User" u WHERE u."vendorId" = m."vendorId" AND u.id = m."userId";
ALTER TABLE "Membership" ENABLE TRIGGER list_change;
INSERT INTO "ListChange" ("vendorId", list, id, change, keys)
SELECT "vendorId", list, "vendorId", 0, '{}' FROM (
  SELECT DISTINCT "vendorId", 'users' AS list FROM "User" UNION ALL SELECT DISTINCT "vendorId", 'emails' FROM "UserEmail"
  UNION ALL SELECT DISTINCT "vendorId", 'phone-numbers' FROM "PhoneNumber" UNION ALL SELECT DISTINCT "vendorId", 'tenants' FROM "Tenant"
  UNION ALL SELECT "vendorId", 'members:' || "tenantId" FROM "Membership" GROUP BY 1, 2 HAVING count(*) > 100
  UNION ALL SELECT "vendorId", 'children:' || "parentId" FROM "Tenant" WHERE "parentId" IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 100) l;
