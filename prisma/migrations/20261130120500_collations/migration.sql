-- Metadata stays the text that it was given as: jsonb would reorder it, and a parser would drop digits.
ALTER TABLE "Tenant" ALTER COLUMN "metadata" DROP DEFAULT;
ALTER TABLE "Tenant" ALTER COLUMN "metadata" TYPE TEXT USING "metadata"::text;
ALTER TABLE "Tenant" ALTER COLUMN "metadata" SET DEFAULT '{}';

-- No result depends on the database's locale: every text column says how it is ordered, and what is lower case in it. What
-- people read is in the order of an alphabet, where neither case nor accents send a name to the end; ids, keys and addresses
-- are compared byte by byte. Triggers that name such columns stand in the way, and are made again.
DO $$
DECLARE
  found record;
  dropped record;
  triggers text[];
BEGIN
  FOR found IN
    SELECT c.oid AS relation, string_agg(format('ALTER COLUMN %I TYPE %s COLLATE %I', a.attname, format_type(a.atttypid, a.atttypmod),
      CASE WHEN a.attname IN ('name', 'description')
        AND c.relname IN ('User', 'Tenant', 'Role', 'Permission', 'PermissionCategory', 'Group', 'Application', 'IpRestriction')
      THEN 'und-x-icu' ELSE 'C' END), ', ') AS changes
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname <> '_prisma_migrations'
      AND a.attnum > 0 AND NOT a.attisdropped AND a.attcollation = (SELECT oid FROM pg_collation WHERE collname = 'default')
    GROUP BY c.oid
  LOOP
    triggers := '{}';
    FOR dropped IN SELECT tgname AS name, pg_get_triggerdef(oid) AS definition FROM pg_trigger WHERE tgrelid = found.relation AND NOT tgisinternal ORDER BY tgname LOOP
      triggers := triggers || dropped.definition;
      EXECUTE format('DROP TRIGGER %I ON %s', dropped.name, found.relation::regclass);
    END LOOP;
    EXECUTE format('ALTER TABLE %s %s', found.relation::regclass, found.changes);
    FOR n IN 1 .. coalesce(array_length(triggers, 1), 0) LOOP
      EXECUTE triggers[n];
    END LOOP;
  END LOOP;
END
$$;
