-- AlterTable
ALTER TABLE "User" ADD COLUMN     "unprovenPast" BOOLEAN NOT NULL DEFAULT false;
