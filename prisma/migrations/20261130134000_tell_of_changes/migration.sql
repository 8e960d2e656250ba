-- What administrators define is kept in memory (kernel/memory.ts). Every write to it is told to the connection that wrote, as
-- a message (INFO always reaches the client), and when it is committed to every replica, as a notification.
CREATE FUNCTION tell_of_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
  owners uuid[];
  owner uuid;
BEGIN
  IF TG_TABLE_NAME = 'Vendor' THEN
    owners := ARRAY(SELECT id FROM changed);
  ELSE
    owners := ARRAY(SELECT DISTINCT "vendorId" FROM changed);
  END IF;
  FOREACH owner IN ARRAY owners LOOP
    PERFORM pg_notify('henhouse_changes', TG_TABLE_NAME || ' ' || owner);
    RAISE INFO USING MESSAGE = TG_TABLE_NAME || ' ' || owner, ERRCODE = 'HH001';
  END LOOP;
  RETURN NULL;
END $$;

-- Call this for each table that a definition is made of.
CREATE FUNCTION tells_of_changes(defining regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER tell_of_insert AFTER INSERT ON %s REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change()', defining);
  EXECUTE format('CREATE TRIGGER tell_of_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change()', defining);
  EXECUTE format('CREATE TRIGGER tell_of_delete AFTER DELETE ON %s REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tell_of_change()', defining);
END $$;

SELECT tells_of_changes('"Vendor"');
SELECT tells_of_changes('"SigningKey"');
SELECT tells_of_changes('"Setting"');
SELECT tells_of_changes('"Role"');
SELECT tells_of_changes('"RolePermission"');
SELECT tells_of_changes('"Permission"');
SELECT tells_of_changes('"Application"');
SELECT tells_of_changes('"DefaultApplication"');
