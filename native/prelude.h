/**
 * What most sources include of the standard library, parsed once a build where the compiler can (native/build.mjs). Nobody includes this
 * file, and no source relies on it.
 */
#include <algorithm>
#include <atomic>
#include <cinttypes>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>
