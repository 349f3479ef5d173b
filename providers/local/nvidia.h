/* The GPUs of this machine, as nvidia-smi tells them. */
#ifndef PROVIDERS_LOCAL_NVIDIA_H
#define PROVIDERS_LOCAL_NVIDIA_H
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { NVIDIA_GPUS_MAX = 64, NVIDIA_NAME_MAX = 80 };

struct nvidia_gpu {
	int64_t index;
	char name[NVIDIA_NAME_MAX]; /* as task files write it: "A100-80GB"; what nvidia-smi says when the model is not
				       known */
	int64_t mem_mib;	    /* -1: not known */
};

/* Ask nvidia-smi; blocks, at most 10 s. Returns how many there are, 0 also where there is no nvidia-smi; -1: it is
 * there but fails, does not answer or prints nonsense. */
int nvidia_list(struct nvidia_gpu gpus[NVIDIA_GPUS_MAX], struct err *err);
/* Parse lines "index, name, memory in MiB". Returns how many, -1 for nonsense. */
int nvidia_parse(const char *text, struct nvidia_gpu gpus[NVIDIA_GPUS_MAX], struct err *err);

#endif
