// What the functions that Python calls have in common.

#pragma once

#define EXPORT extern "C" __attribute__((visibility("default")))
