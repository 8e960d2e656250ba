-- AlterTable
ALTER TABLE "Membership" ADD COLUMN     "userCreatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;

-- CreateTable
CREATE TABLE "ListChunk" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "list" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "id" UUID NOT NULL,
    "size" INTEGER NOT NULL,

    CONSTRAINT "ListChunk_pkey" PRIMARY KEY ("vendorId","list","at","id")
);

-- CreateTable
CREATE TABLE "ListChange" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "sequence" BIGSERIAL NOT NULL,
    "list" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "id" UUID NOT NULL,
    "change" INTEGER NOT NULL,

    CONSTRAINT "ListChange_pkey" PRIMARY KEY ("sequence")
);

-- CreateIndex
CREATE INDEX "ListChange_vendorId_list_idx" ON "ListChange"("vendorId", "list");

-- CreateIndex
CREATE INDEX "Membership_vendorId_tenantId_userCreatedAt_userId_idx" ON "Membership"("vendorId", "tenantId", "userCreatedAt", "userId");

SELECT owned_by_vendor(t) FROM unnest(ARRAY['"ListChunk"', '"ListChange"']::regclass[]) AS t;

-- Only few rows are in these: those that a list cannot take from the counted order.
CREATE INDEX "Membership_expiring_idx" ON "Membership"("vendorId", "tenantId", "expiresAt") WHERE "expiresAt" IS NOT NULL;
CREATE INDEX "User_invisible_idx" ON "User"("vendorId", "id") WHERE "invisible";
-- the order of the usernames
CREATE INDEX "User_named_idx" ON "User"("vendorId", "createdAt", "id") WHERE "username" IS NOT NULL;

CREATE FUNCTION copy_user_created_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- of no user: the foreign key refuses it
  SELECT "createdAt" INTO NEW."userCreatedAt" FROM "User" WHERE "vendorId" = NEW."vendorId" AND id = NEW."userId";
  NEW."userCreatedAt" := coalesce(NEW."userCreatedAt", NEW."createdAt");
  RETURN NEW;
END $$;
CREATE TRIGGER copy_user_created_at BEFORE INSERT OR UPDATE OF "userId" ON "Membership" FOR EACH ROW EXECUTE FUNCTION copy_user_created_at();

-- Every row of a counted list that comes or goes is noted, in the same transaction and by nothing but an insertion.
-- TG_ARGV: the list's name; the columns for at and id; what the name is followed by, and which rows are in the list.
CREATE FUNCTION note_list_changes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE noted text := format('INSERT INTO "ListChange" ("vendorId", list, at, id, change) SELECT "vendorId", %L%s, %I, %I, %%s FROM rows WHERE %s',
  TG_ARGV[0], TG_ARGV[3], TG_ARGV[1], TG_ARGV[2], TG_ARGV[4]);
BEGIN
  EXECUTE format(noted, CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END);
  RETURN NULL;
END $$;

CREATE FUNCTION count_list(counted regclass, list text, at_column text, id_column text, of text, rows text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE arguments text := format('%L, %L, %L, %L, %L', list, at_column, id_column, of, rows);
BEGIN
  EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %s REFERENCING NEW TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION note_list_changes(%s)', list || '_come', counted, arguments);
  EXECUTE format('CREATE TRIGGER %I AFTER DELETE ON %s REFERENCING OLD TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION note_list_changes(%s)', list || '_go', counted, arguments);
  -- what there is already: a single chunk, to be split later
  EXECUTE format('INSERT INTO "ListChunk" ("vendorId", list, at, id, size) SELECT "vendorId", %L%s, ''-infinity'', ''00000000-0000-0000-0000-000000000000'', count(*) FROM %s WHERE %s GROUP BY 1, 2', list, of, counted, rows);
END $$;

UPDATE "Membership" m SET "userCreatedAt" = u."createdAt" FROM "User" u WHERE u."vendorId" = m."vendorId" AND u.id = m."userId";
SELECT count_list('"User"', 'users', 'createdAt', 'id', '', 'true');
SELECT count_list('"User"', 'usernames', 'createdAt', 'id', '', 'username IS NOT NULL');
SELECT count_list('"UserEmail"', 'emails', 'createdAt', 'id', '', 'true');
SELECT count_list('"PhoneNumber"', 'phone-numbers', 'createdAt', 'id', '', 'true');
SELECT count_list('"Membership"', 'members', 'userCreatedAt', 'userId', ' || '':'' || "tenantId"', 'true');
DROP FUNCTION count_list;

CREATE FUNCTION note_username_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "ListChange" ("vendorId", list, at, id, change) VALUES (NEW."vendorId", 'usernames', NEW."createdAt", NEW.id, CASE WHEN NEW.username IS NULL THEN -1 ELSE 1 END);
  RETURN NULL;
END $$;
CREATE TRIGGER usernames_change AFTER UPDATE OF username ON "User" FOR EACH ROW WHEN ((OLD.username IS NULL) <> (NEW.username IS NULL)) EXECUTE FUNCTION note_username_change();

CREATE FUNCTION note_membership_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO "ListChange" ("vendorId", list, at, id, change) VALUES
    (OLD."vendorId", 'members:' || OLD."tenantId", OLD."userCreatedAt", OLD."userId", -1), (NEW."vendorId", 'members:' || NEW."tenantId", NEW."userCreatedAt", NEW."userId", 1);
  RETURN NULL;
END $$;
CREATE TRIGGER members_move AFTER UPDATE OF "tenantId", "userId" ON "Membership" FOR EACH ROW
  WHEN ((OLD."tenantId", OLD."userId") IS DISTINCT FROM (NEW."tenantId", NEW."userId")) EXECUTE FUNCTION note_membership_move();
