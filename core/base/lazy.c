/* dlopen, once, with a message a person can act on. The libraries stay open until the process ends. */
#include "core/base/lazy.h"

#include <dlfcn.h>
#include <string.h>

int lazy_open(const char *const *sonames, const struct lazy_symbol *symbols, size_t n, struct err *err)
{
	void *lib = NULL;
	for (size_t i = 0; !lib && sonames[i]; i++)
		lib = dlopen(sonames[i], RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return err_set(err, ERR_UNSUPPORTED, "cannot open the library %s: %s", sonames[0], dlerror());
	for (size_t i = 0; i < n; i++) {
		void *p = dlsym(lib, symbols[i].name);
		if (!p)
			return err_set(err, ERR_UNSUPPORTED, "the library %s has no %s: it is too old", sonames[0], symbols[i].name);
		memcpy(symbols[i].slot, &p, sizeof p);
	}
	return 0;
}
