# Sourced by the scripts that check and test: nothing of the caller's own installation leaks into them.
for name in $(env | sed -n 's/^\(RLMLAB_[A-Z_]*\)=.*/\1/p') DATABASE_URL REDIS_URL; do
    unset "$name"
done
RLMLAB_DATA_DIR=$(mktemp -d)
export RLMLAB_DATA_DIR
trap 'rm -rf "$RLMLAB_DATA_DIR"' EXIT
