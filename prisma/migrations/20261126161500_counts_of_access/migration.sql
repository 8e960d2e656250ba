-- A tenant's members are counted by whether they may go down into the tenants below, too: one more order, that only they have.
CREATE OR REPLACE FUNCTION listed(u "User") RETURNS jsonb LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object('createdAt', u."createdAt", 'name', u.name, 'email', coalesce(u.email, ''), 'verified', u.verified, 'isLocked', u."isLocked",
    'provider', u.provider, 'tenantId', coalesce(u."activeTenantId", ''), 'username', u.username, 'lastLogin', coalesce(u."lastLogin", '-infinity'),
    'subAccountAccess', coalesce(u."subAccountAccess"::text, ''))
$$;

CREATE OR REPLACE FUNCTION list_user() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE of_members text[] := ARRAY['lastLogin', 'subAccountAccess'];
BEGIN
  IF TG_OP <> 'UPDATE' OR listed(OLD) - of_members <> listed(NEW) - of_members THEN
    IF TG_OP <> 'INSERT' THEN PERFORM note_change(OLD."vendorId", 'users', OLD.id, -1, listed(OLD)); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM note_change(NEW."vendorId", 'users', NEW.id, 1, listed(NEW)); END IF;
  END IF;
  IF TG_OP = 'UPDATE' THEN UPDATE "Membership" SET listed = listed || listed(NEW) WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id; END IF;
  RETURN NULL;
END $$;
DROP TRIGGER list_change ON "User";
CREATE TRIGGER list_change AFTER UPDATE OF name, email, username, verified, "isLocked", provider, "activeTenantId", "lastLogin", "subAccountAccess" ON "User" FOR EACH ROW
  WHEN (listed(OLD.*) IS DISTINCT FROM listed(NEW.*)) EXECUTE FUNCTION list_user();

-- What has been noted of members lacks it: their chunks are built anew.
DELETE FROM "ListChunk" WHERE list LIKE 'members:%';
DELETE FROM "ListChange" WHERE list LIKE 'members:%';
ALTER TABLE "Membership" DISABLE TRIGGER list_change;
UPDATE "Membership" m SET listed = listed_as_member(u) FROM "User" u WHERE u."vendorId" = m."vendorId" AND u.id = m."userId";
ALTER TABLE "Membership" ENABLE TRIGGER list_change;
INSERT INTO "ListChange" ("vendorId", list, id, change, keys)
SELECT "vendorId", 'members:' || "tenantId", "vendorId", 0, '{}' FROM "Membership" GROUP BY 1, 2 HAVING count(*) > 100;
