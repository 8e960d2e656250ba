-- CreateTable
CREATE TABLE "Prehook" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "id" UUID NOT NULL,
    "displayName" TEXT COLLATE "und-x-icu",
    "description" TEXT COLLATE "und-x-icu",
    "url" TEXT COLLATE "C" NOT NULL,
    "secret" TEXT COLLATE "C" NOT NULL,
    "failMethod" TEXT COLLATE "C" NOT NULL,
    "isActive" BOOLEAN NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "Prehook_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "PrehookEvent" (
    "vendorId" UUID NOT NULL DEFAULT vendor_id_required(),
    "prehookId" UUID NOT NULL,
    "event" TEXT COLLATE "C" NOT NULL,
    "eventKey" TEXT COLLATE "C" NOT NULL,

    CONSTRAINT "PrehookEvent_pkey" PRIMARY KEY ("vendorId","event")
);

-- CreateIndex
CREATE UNIQUE INDEX "Prehook_vendorId_id_key" ON "Prehook"("vendorId", "id");

-- CreateIndex
CREATE INDEX "PrehookEvent_vendorId_prehookId_idx" ON "PrehookEvent"("vendorId", "prehookId");

-- AddForeignKey
ALTER TABLE "Prehook" ADD CONSTRAINT "Prehook_vendorId_fkey" FOREIGN KEY ("vendorId") REFERENCES "Vendor"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "PrehookEvent" ADD CONSTRAINT "PrehookEvent_vendorId_prehookId_fkey" FOREIGN KEY ("vendorId", "prehookId") REFERENCES "Prehook"("vendorId", "id") ON DELETE CASCADE ON UPDATE CASCADE;


SELECT owned_by_vendor('"Prehook"');
SELECT owned_by_vendor('"PrehookEvent"');
SELECT tells_of_changes('"Prehook"');
SELECT tells_of_changes('"PrehookEvent"');
