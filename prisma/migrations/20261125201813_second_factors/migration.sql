-- AlterTable
ALTER TABLE "Session" ADD COLUMN     "mfaPassed" BOOLEAN NOT NULL DEFAULT false;

-- AlterTable
ALTER TABLE "User" ADD COLUMN     "passwordLeakedAt" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "MfaDevice" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "secret" TEXT,
    "lastStep" INTEGER,
    "phoneNumber" TEXT,
    "credentialId" TEXT,
    "publicKey" TEXT,
    "counter" BIGINT,
    "transports" TEXT[],
    "deviceType" TEXT,
    "rpId" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "MfaDevice_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "RecoveryCode" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "userId" UUID NOT NULL,
    "hash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "RecoveryCode_pkey" PRIMARY KEY ("vendorId","userId")
);

-- CreateTable
CREATE TABLE "RememberedDevice" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" TEXT NOT NULL,
    "userId" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "RememberedDevice_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Passkey" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "userId" UUID NOT NULL,
    "credentialId" TEXT NOT NULL,
    "publicKey" TEXT NOT NULL,
    "counter" BIGINT NOT NULL,
    "transports" TEXT[],
    "deviceType" TEXT NOT NULL,
    "rpId" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "lastUsedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Passkey_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "MfaDevice_vendorId_userId_createdAt_idx" ON "MfaDevice"("vendorId", "userId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "MfaDevice_vendorId_credentialId_key" ON "MfaDevice"("vendorId", "credentialId");

-- CreateIndex
CREATE UNIQUE INDEX "MfaDevice_vendorId_userId_phoneNumber_key" ON "MfaDevice"("vendorId", "userId", "phoneNumber");

-- CreateIndex
CREATE INDEX "RememberedDevice_vendorId_userId_idx" ON "RememberedDevice"("vendorId", "userId");

-- CreateIndex
CREATE INDEX "Passkey_vendorId_userId_createdAt_idx" ON "Passkey"("vendorId", "userId", "createdAt");

-- CreateIndex
CREATE UNIQUE INDEX "Passkey_vendorId_credentialId_key" ON "Passkey"("vendorId", "credentialId");

-- AddForeignKey
ALTER TABLE "MfaDevice" ADD CONSTRAINT "MfaDevice_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RecoveryCode" ADD CONSTRAINT "RecoveryCode_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RememberedDevice" ADD CONSTRAINT "RememberedDevice_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Passkey" ADD CONSTRAINT "Passkey_vendorId_userId_fkey" FOREIGN KEY ("vendorId", "userId") REFERENCES "User"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor(t) FROM unnest(ARRAY['"MfaDevice"', '"RecoveryCode"', '"RememberedDevice"', '"Passkey"']::regclass[]) AS t;

-- A user's first address and number now have the id of the user, so that whoever chooses that (a seed) has chosen both.
CREATE OR REPLACE FUNCTION keep_own_email() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.email IS NOT DISTINCT FROM OLD.email AND NEW.verified = OLD.verified THEN RETURN NULL; END IF;
  IF NEW.email IS NULL THEN
    DELETE FROM "UserEmail" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = OLD.email;
    RETURN NULL;
  END IF;
  UPDATE "UserEmail" SET verified = NEW.verified, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = NEW.email;
  IF FOUND THEN RETURN NULL; END IF;
  DELETE FROM "UserEmail" e USING "User" u
  WHERE e."vendorId" = NEW."vendorId" AND e.email = NEW.email AND NOT e.verified AND u."vendorId" = e."vendorId" AND u.id = e."userId" AND u.email IS DISTINCT FROM e.email;
  UPDATE "UserEmail" SET email = NEW.email, verified = NEW.verified, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND email = OLD.email;
  IF FOUND THEN RETURN NULL; END IF;
  INSERT INTO "UserEmail" ("vendorId", id, "userId", email, verified, "createdAt", "updatedAt") VALUES (NEW."vendorId", CASE TG_OP WHEN 'INSERT' THEN NEW.id ELSE gen_random_uuid() END, NEW.id, NEW.email, NEW.verified, NEW."updatedAt", NEW."updatedAt");
  RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION keep_own_phone_number() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW."phoneNumber" IS NOT DISTINCT FROM OLD."phoneNumber" THEN RETURN NULL; END IF;
  IF NEW."phoneNumber" IS NULL THEN
    DELETE FROM "PhoneNumber" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = OLD."phoneNumber";
    RETURN NULL;
  END IF;
  PERFORM FROM "PhoneNumber" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = NEW."phoneNumber";
  IF FOUND THEN RETURN NULL; END IF;
  DELETE FROM "PhoneNumber" p USING "User" u
  WHERE p."vendorId" = NEW."vendorId" AND p."phoneNumber" = NEW."phoneNumber" AND NOT p.verified AND u."vendorId" = p."vendorId" AND u.id = p."userId" AND u."phoneNumber" IS DISTINCT FROM p."phoneNumber";
  UPDATE "PhoneNumber" SET "phoneNumber" = NEW."phoneNumber", verified = false, "updatedAt" = NEW."updatedAt" WHERE "vendorId" = NEW."vendorId" AND "userId" = NEW.id AND "phoneNumber" = OLD."phoneNumber";
  IF FOUND THEN RETURN NULL; END IF;
  INSERT INTO "PhoneNumber" ("vendorId", id, "userId", "phoneNumber", verified, "createdAt", "updatedAt") VALUES (NEW."vendorId", CASE TG_OP WHEN 'INSERT' THEN NEW.id ELSE gen_random_uuid() END, NEW.id, NEW."phoneNumber", false, NEW."updatedAt", NEW."updatedAt");
  RETURN NULL;
END $$;
