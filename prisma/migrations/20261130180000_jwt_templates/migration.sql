-- CreateTable
CREATE TABLE "JwtTemplate" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "key" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "und-x-icu" NOT NULL,
    "description" TEXT COLLATE "und-x-icu",
    "expiration" INTEGER NOT NULL,
    "algorithm" TEXT COLLATE "C" NOT NULL,
    "claims" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "JwtTemplate_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "JwtTemplate_vendorId_key_key" ON "JwtTemplate"("vendorId", "key");

-- AddForeignKey
ALTER TABLE "JwtTemplate" ADD CONSTRAINT "JwtTemplate_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

SELECT owned_by_vendor('"JwtTemplate"');
SELECT tells_of_changes('"JwtTemplate"');
