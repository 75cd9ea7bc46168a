-- AlterTable
ALTER TABLE "workflows" ADD COLUMN     "draft_hash" CHAR(64);

-- A draft with the text of its newest version has that version's hash. The hashes of other drafts are computed after the
-- start: no SQL function writes a value in its canonical form.
UPDATE workflows w SET draft_hash = d.hash FROM definitions d
WHERE d.id = w.published_definition_id AND d.body::text = w.draft::text;

-- Drafts whose hash is still to be computed.
CREATE INDEX "workflows_unhashed_idx" ON "workflows" ("id") WHERE "draft_hash" IS NULL;

-- A process of an older version writes drafts without their hash.
CREATE FUNCTION "lume_forget_draft_hash"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.draft_hash := NULL;
  RETURN NEW;
END $$;

CREATE TRIGGER "workflows_forget_draft_hash" BEFORE UPDATE OF "draft" ON "workflows" FOR EACH ROW
  WHEN (NEW.draft_hash = OLD.draft_hash AND NEW.draft::text <> OLD.draft::text)
  EXECUTE FUNCTION "lume_forget_draft_hash"();
