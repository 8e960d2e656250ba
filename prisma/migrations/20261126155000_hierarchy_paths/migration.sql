-- Each tenant says where it is, so that what is below one is found with an index, however much and deep it is.
-- AlterTable
ALTER TABLE "Tenant" ADD COLUMN     "path" TEXT[] DEFAULT ARRAY[]::TEXT[];

WITH RECURSIVE placed AS (
  SELECT "vendorId", id, ARRAY[id] AS path FROM "Tenant" WHERE "parentId" IS NULL
  UNION ALL SELECT t."vendorId", t.id, p.path || t.id FROM placed p JOIN "Tenant" t ON t."vendorId" = p."vendorId" AND t."parentId" = p.id
)
UPDATE "Tenant" t SET path = p.path FROM placed p WHERE t."vendorId" = p."vendorId" AND t.id = p.id;

-- CreateIndex
CREATE INDEX "Tenant_path_idx" ON "Tenant" USING GIN ("path");
-- else each look-up would go through what has been written lately
ALTER INDEX "Tenant_path_idx" SET (fastupdate = off);

-- Who moves a tenant waits for those who are just putting one below another, and they for it: neither sees the other's rows. The
-- lock comes before that of any row, or those who move tenants that are below each other would wait for one another.
CREATE FUNCTION lock_hierarchy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('hierarchy', 8));
  RETURN NULL;
END $$;
CREATE TRIGGER lock_hierarchy BEFORE UPDATE OF "parentId" ON "Tenant" FOR EACH STATEMENT EXECUTE FUNCTION lock_hierarchy();

CREATE FUNCTION place_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE above text[];
BEGIN
  IF TG_OP = 'INSERT' AND NEW."parentId" IS NOT NULL THEN PERFORM pg_advisory_xact_lock_shared(hashtextextended('hierarchy', 8)); END IF;
  SELECT path INTO above FROM "Tenant" WHERE "vendorId" = NEW."vendorId" AND id = NEW."parentId";
  IF NEW.id = NEW."parentId" OR NEW.id = ANY (above) THEN RAISE check_violation USING MESSAGE = 'a tenant would be below itself'; END IF;
  -- a parent that comes with the same statement, but later, adds what is above it itself
  NEW.path := coalesce(above, array_remove(ARRAY[NEW."parentId"], NULL)) || NEW.id;
  RETURN NEW;
END $$;
CREATE TRIGGER place BEFORE INSERT ON "Tenant" FOR EACH ROW EXECUTE FUNCTION place_tenant();
CREATE TRIGGER place_anew BEFORE UPDATE OF "parentId" ON "Tenant" FOR EACH ROW WHEN (OLD."parentId" IS DISTINCT FROM NEW."parentId") EXECUTE FUNCTION place_tenant();

-- Where most tenants are below one, Postgres would take any to have many below it, and go through all of them for each.
CREATE FUNCTION place_tenants_below() RETURNS trigger LANGUAGE plpgsql SET plan_cache_mode = force_custom_plan AS $$
BEGIN
  IF EXISTS (SELECT FROM "Tenant" WHERE "vendorId" = NEW."vendorId" AND "parentId" = NEW.id AND path[: cardinality(NEW.path)] <> NEW.path) THEN
    UPDATE "Tenant" SET path = NEW.path || path[array_position(path, NEW.id) + 1 :] WHERE "vendorId" = NEW."vendorId" AND path @> ARRAY[NEW.id] AND id <> NEW.id;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER place_below AFTER INSERT ON "Tenant" FOR EACH ROW EXECUTE FUNCTION place_tenants_below();
CREATE TRIGGER place_below_anew AFTER UPDATE OF "parentId" ON "Tenant" FOR EACH ROW WHEN (OLD."parentId" IS DISTINCT FROM NEW."parentId") EXECUTE FUNCTION place_tenants_below();
