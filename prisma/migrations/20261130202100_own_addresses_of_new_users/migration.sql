-- As before, but without looking for the former address or number of a user who has just been inserted: there is none.
CREATE OR REPLACE FUNCTION keep_own_email() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.email IS NOT DISTINCT FROM OLD.email AND NEW.verified = OLD.verified THEN RETURN NULL; END IF;
  IF NEW.email IS NULL THEN
    IF TG_OP = 'UPDATE' THEN
      DELETE FROM "UserEmail" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = OLD.email;
    END IF;
    RETURN NULL;
  END IF;
  UPDATE "UserEmail" SET verified = NEW.verified, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = NEW.email;
  IF FOUND THEN RETURN NULL; END IF;
  DELETE FROM "UserEmail" e USING "User" u
  WHERE e."vendorId" = NEW."vendorId" AND e.email = NEW.email AND NOT e.verified AND u."vendorId" = e."vendorId" AND u.id = e."userId" AND u.email IS DISTINCT FROM e.email;
  IF TG_OP = 'UPDATE' THEN
    UPDATE "UserEmail" SET email = NEW.email, verified = NEW.verified, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = OLD.email;
    IF FOUND THEN RETURN NULL; END IF;
  END IF;
  INSERT INTO "UserEmail" ("vendorId", id, "userId", email, verified, "createdAt", "updatedAt") VALUES (NEW."vendorId", CASE TG_OP WHEN 'INSERT' THEN NEW.id ELSE gen_random_uuid() END, NEW.id, NEW.email, NEW.verified, NEW."updatedAt", NEW."updatedAt");
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION keep_own_phone_number() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW."phoneNumber" IS NOT DISTINCT FROM OLD."phoneNumber" THEN RETURN NULL; END IF;
  IF NEW."phoneNumber" IS NULL THEN
    IF TG_OP = 'UPDATE' THEN
      DELETE FROM "PhoneNumber" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = OLD."phoneNumber";
    END IF;
    RETURN NULL;
  END IF;
  PERFORM FROM "PhoneNumber" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = NEW."phoneNumber";
  IF FOUND THEN RETURN NULL; END IF;
  DELETE FROM "PhoneNumber" p USING "User" u
  WHERE p."vendorId" = NEW."vendorId" AND p."phoneNumber" = NEW."phoneNumber" AND NOT p.verified AND u."vendorId" = p."vendorId" AND u.id = p."userId" AND u."phoneNumber" IS DISTINCT FROM p."phoneNumber";
  IF TG_OP = 'UPDATE' THEN
    UPDATE "PhoneNumber" SET "phoneNumber" = NEW."phoneNumber", verified = false, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = OLD."phoneNumber";
    IF FOUND THEN RETURN NULL; END IF;
  END IF;
  INSERT INTO "PhoneNumber" ("vendorId", id, "userId", "phoneNumber", verified, "createdAt", "updatedAt") VALUES (NEW."vendorId", CASE TG_OP WHEN 'INSERT' THEN NEW.id ELSE gen_random_uuid() END, NEW.id, NEW."phoneNumber", false, NEW."updatedAt", NEW."updatedAt");
  RETURN NULL;
END $$;
