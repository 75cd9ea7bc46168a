-- Steps in the order of the definition: pages of them, and the steps outside of ended loop items that a worker loads.
-- CreateIndex
CREATE INDEX "steps_owner_id_execution_id_position_idx" ON "steps"("owner_id", "execution_id", "position");
