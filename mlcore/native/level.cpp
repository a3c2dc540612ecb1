// Which of the levels that mlcore/native/__init__.py names the processor runs.

#include "export.hpp"

EXPORT const char *mlcore_fingerprint() { return FINGERPRINT; }

EXPORT int mlcore_runs_level(int level) {
#if defined(__x86_64__) && defined(__GNUC__)
    __builtin_cpu_init();
    if (level == 3)
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
               __builtin_cpu_supports("bmi2");
    if (level == 4)
        return mlcore_runs_level(3) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
#endif
    return level == 1;
}
